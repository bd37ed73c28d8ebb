import type { ApiKeysQuery } from '../api/generated';
import { graphql } from '../api/graphql';

export const API_KEYS = graphql(/* GraphQL */ `
  query ApiKeys {
    apiKeys {
      id
      name
      prefix
      scopes
      backfill
      createdAt
      expiresAt
      lastUsedAt
      rotatedAt
      revokedAt
    }
  }
`);

export const CREATE_API_KEY = graphql(/* GraphQL */ `
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      key {
        id
        name
      }
      secret
    }
  }
`);

export const ROTATE_API_KEY = graphql(/* GraphQL */ `
  mutation RotateApiKey($id: ID!, $overlap: Int) {
    rotateApiKey(id: $id, overlap: $overlap) {
      key {
        id
        name
      }
      secret
    }
  }
`);

export const REVOKE_API_KEY = graphql(/* GraphQL */ `
  mutation RevokeApiKey($id: ID!) {
    revokeApiKey(id: $id) {
      id
      revokedAt
    }
  }
`);

export const MEMBERS = graphql(/* GraphQL */ `
  query Members {
    members {
      userId
      email
      role
      createdAt
    }
    invitations {
      id
      email
      role
      createdAt
      expiresAt
      revokedAt
    }
  }
`);

export const CREATE_INVITATION = graphql(/* GraphQL */ `
  mutation CreateInvitation($input: CreateInvitationInput!) {
    createInvitation(input: $input) {
      token
      invitation {
        id
        email
      }
    }
  }
`);

export const REVOKE_INVITATION = graphql(/* GraphQL */ `
  mutation RevokeInvitation($id: ID!) {
    revokeInvitation(id: $id) {
      id
    }
  }
`);

export const CHANGE_ROLE = graphql(/* GraphQL */ `
  mutation ChangeMemberRole($userId: ID!, $role: String!) {
    changeMemberRole(userId: $userId, role: $role) {
      userId
    }
  }
`);

export const REMOVE_MEMBER = graphql(/* GraphQL */ `
  mutation RemoveMember($userId: ID!) {
    removeMember(userId: $userId) {
      userId
    }
  }
`);

export const LEAVE_ORG = graphql(/* GraphQL */ `
  mutation LeaveOrg {
    leaveOrg {
      userId
    }
  }
`);

export const ORG_LOG = graphql(/* GraphQL */ `
  query OrgLog($first: Int!, $after: String) {
    log: auditLog(first: $first, after: $after) {
      nodes {
        id
        at
        action
        actorId
        actorKind
        subject
        detail
      }
      endCursor
      hasNextPage
    }
  }
`);

export const PLANS_LOG = graphql(/* GraphQL */ `
  query PlansLog($first: Int!, $after: String) {
    log: plansAuditLog(first: $first, after: $after) {
      nodes {
        id
        at
        action
        actorId
        actorKind
        subject
        detail
      }
      endCursor
      hasNextPage
    }
  }
`);

export const BILLING_LOG = graphql(/* GraphQL */ `
  query BillingLog($first: Int!, $after: String) {
    log: billingAuditLog(first: $first, after: $after) {
      nodes {
        id
        at
        action
        actorId
        actorKind
        subject
        detail
      }
      endCursor
      hasNextPage
    }
  }
`);

export const NOTIFICATIONS_LOG = graphql(/* GraphQL */ `
  query NotificationsLog($first: Int!, $after: String) {
    log: notificationsAuditLog(first: $first, after: $after) {
      nodes {
        id
        at
        action
        actorId
        actorKind
        subject
        detail
      }
      endCursor
      hasNextPage
    }
  }
`);

export const SETTINGS = graphql(/* GraphQL */ `
  query Settings {
    invoiceSettings {
      legalName
      address {
        line1
        line2
        postalCode
        city
        region
        country
      }
      taxId
      email
      paymentDays
      note
      footer
      accentColor
      figures
      logo {
        contentType
        data
      }
    }
    invoiceTiming {
      graceMinutes
      reviewHours
    }
  }
`);

export const UPDATE_SETTINGS = graphql(/* GraphQL */ `
  mutation UpdateInvoiceSettings($input: UpdateInvoiceSettingsInput!) {
    updateInvoiceSettings(input: $input) {
      updatedAt
    }
  }
`);

export const SET_TIMING = graphql(/* GraphQL */ `
  mutation SetInvoiceTiming($graceMinutes: Int, $reviewHours: Int) {
    setInvoiceTiming(graceMinutes: $graceMinutes, reviewHours: $reviewHours) {
      graceMinutes
    }
  }
`);

export const EMBED_ORIGINS = graphql(/* GraphQL */ `
  query EmbedOrigins {
    org {
      id
      embedOrigins
    }
  }
`);

export const SET_EMBED_ORIGINS = graphql(/* GraphQL */ `
  mutation SetEmbedOrigins($origins: [String!]!) {
    setEmbedOrigins(origins: $origins) {
      id
    }
  }
`);

export const CHANGE_PASSWORD = graphql(/* GraphQL */ `
  mutation ChangePassword($currentPassword: String!, $newPassword: String!, $code: String) {
    changePassword(currentPassword: $currentPassword, newPassword: $newPassword, code: $code)
  }
`);

export const START_TWO_FACTOR = graphql(/* GraphQL */ `
  mutation StartTwoFactor($password: String!) {
    startTwoFactor(password: $password) {
      secret
      uri
    }
  }
`);

export const CONFIRM_TWO_FACTOR = graphql(/* GraphQL */ `
  mutation ConfirmTwoFactor($code: String!) {
    confirmTwoFactor(code: $code)
  }
`);

export const TURN_OFF_TWO_FACTOR = graphql(/* GraphQL */ `
  mutation TurnOffTwoFactor($code: String!, $password: String!) {
    turnOffTwoFactor(code: $code, password: $password)
  }
`);

export const SIGN_OUT_EVERYWHERE = graphql(/* GraphQL */ `
  mutation SignOutEverywhere {
    signOut(everywhere: true)
  }
`);

export const MEMBERSHIPS = graphql(/* GraphQL */ `
  query Memberships {
    memberships {
      orgId
      orgName
      role
    }
  }
`);

export type ApiKey = ApiKeysQuery['apiKeys'][number];
