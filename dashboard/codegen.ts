import type { CodegenConfig } from '@graphql-codegen/cli';

/** Types of every document in src/, from the published schema. `npm run generate` writes them, `npm run lint` checks that they are current. */
const config: CodegenConfig = {
  schema: '../docs/graphql/schema.graphql',
  documents: 'src/**/*.{ts,tsx}',
  config: {
    scalars: { DateTime: 'string', Decimal: 'string', ID: 'string', JSON: 'unknown', Long: 'number' },
    strictScalars: true,
    enumType: 'string-literal',
    enumsAsTypes: true,
    skipTypename: true,
    useTypeImports: true,
    inlineFragmentTypes: 'combine',
    skipTypeNameForRoot: true,
  },
  pluckConfig: { globalGqlIdentifierName: ['graphql'], gqlMagicComment: 'graphql' },
  generates: {
    'src/api/generated.ts': { plugins: ['typescript-operations', './codegen-documents.mjs'] },
  },
};

export default config;
