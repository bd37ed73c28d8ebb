import type { DeliveriesQuery, MailQuery, WebhookEndpointsQuery } from '../api/generated';
import { graphql } from '../api/graphql';

export const WEBHOOK_ENDPOINTS = graphql(/* GraphQL */ `
  query WebhookEndpoints($archived: Boolean!) {
    webhookEndpoints(archived: $archived) {
      id
      url
      description
      eventTypes
      inOrder
      status
      disabledReason
      disabledAt
      previousSecretUntil
      createdAt
    }
    eventTypes {
      name
    }
  }
`);

export const CREATE_ENDPOINT = graphql(/* GraphQL */ `
  mutation CreateWebhookEndpoint($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) {
      secret
      endpoint {
        id
        url
      }
    }
  }
`);

export const UPDATE_ENDPOINT = graphql(/* GraphQL */ `
  mutation UpdateWebhookEndpoint($input: UpdateWebhookEndpointInput!) {
    updateWebhookEndpoint(input: $input) {
      id
    }
  }
`);

export const ROTATE_SECRET = graphql(/* GraphQL */ `
  mutation RotateWebhookSecret($id: ID!, $overlap: Int) {
    rotateWebhookSecret(id: $id, overlap: $overlap) {
      secret
      endpoint {
        id
      }
    }
  }
`);

export const ENABLE_ENDPOINT = graphql(/* GraphQL */ `
  mutation EnableWebhookEndpoint($id: ID!) {
    enableWebhookEndpoint(id: $id) {
      id
    }
  }
`);

export const DISABLE_ENDPOINT = graphql(/* GraphQL */ `
  mutation DisableWebhookEndpoint($id: ID!) {
    disableWebhookEndpoint(id: $id) {
      id
    }
  }
`);

export const ARCHIVE_ENDPOINT = graphql(/* GraphQL */ `
  mutation ArchiveWebhookEndpoint($id: ID!) {
    archiveWebhookEndpoint(id: $id) {
      id
    }
  }
`);

export const TEST_ENDPOINT = graphql(/* GraphQL */ `
  mutation TestWebhookEndpoint($id: ID!) {
    testWebhookEndpoint(id: $id) {
      id
    }
  }
`);

export const DELIVERIES = graphql(/* GraphQL */ `
  query Deliveries(
    $endpointId: ID
    $eventType: String
    $status: DeliveryStatus
    $channel: DeliveryChannel
    $first: Int!
    $after: String
  ) {
    deliveries(
      endpointId: $endpointId
      eventType: $eventType
      status: $status
      channel: $channel
      first: $first
      after: $after
    ) {
      nodes {
        id
        eventId
        eventType
        channel
        endpointId
        recipient
        status
        createdAt
        finishedAt
        nextAttemptAt
        attemptCount
      }
      endCursor
      hasNextPage
    }
  }
`);

export const DELIVERY = graphql(/* GraphQL */ `
  query Delivery($id: ID!) {
    delivery(id: $id) {
      id
      eventId
      eventType
      status
      createdAt
      finishedAt
      nextAttemptAt
      attemptCount
      attempts {
        number
        at
        milliseconds
        statusCode
        error
        response
      }
    }
  }
`);

export const RESEND_DELIVERY = graphql(/* GraphQL */ `
  mutation ResendDelivery($id: ID!) {
    resendDelivery(id: $id) {
      id
      status
    }
  }
`);

export const RESEND_EVENTS = graphql(/* GraphQL */ `
  mutation ResendEvents($input: ResendEventsInput!) {
    resendEvents(input: $input) {
      count
      continueFrom
    }
  }
`);

export const MAIL = graphql(/* GraphQL */ `
  query Mail {
    notificationAddresses {
      id
      email
      description
      eventTypes
      status
      reason
      createdAt
    }
    notificationSettings {
      invoicesToCustomers
    }
    eventTypes {
      name
    }
  }
`);

export const CREATE_ADDRESS = graphql(/* GraphQL */ `
  mutation CreateNotificationAddress($input: CreateNotificationAddressInput!) {
    createNotificationAddress(input: $input) {
      id
    }
  }
`);

export const UPDATE_ADDRESS = graphql(/* GraphQL */ `
  mutation UpdateNotificationAddress($input: UpdateNotificationAddressInput!) {
    updateNotificationAddress(input: $input) {
      id
    }
  }
`);

export const ARCHIVE_ADDRESS = graphql(/* GraphQL */ `
  mutation ArchiveNotificationAddress($id: ID!) {
    archiveNotificationAddress(id: $id) {
      id
    }
  }
`);

export const UPDATE_MAIL_SETTINGS = graphql(/* GraphQL */ `
  mutation UpdateNotificationSettings($invoicesToCustomers: Boolean!) {
    updateNotificationSettings(invoicesToCustomers: $invoicesToCustomers) {
      invoicesToCustomers
    }
  }
`);

export type WebhookEndpoint = WebhookEndpointsQuery['webhookEndpoints'][number];
export type Delivery = DeliveriesQuery['deliveries']['nodes'][number];
export type NotificationAddress = MailQuery['notificationAddresses'][number];
