import type { GraphQLSchema } from 'graphql';

export function readSchema(): GraphQLSchema;
