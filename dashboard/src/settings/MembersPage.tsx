import { useState } from 'react';
import type { MembersQuery } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog, FormDialog } from '../forms/FormDialog';
import { formatDate, formatDateTime } from '../format/time';
import { useSession } from '../session/SessionContext';
import { useIsOwner, useMay, useTimeZone, useViewer } from '../session/Viewer';
import { Card, Dialog, PageHead, Rows, SecretOnce, type Column } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Empty, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import { CHANGE_ROLE, CREATE_INVITATION, LEAVE_ORG, MEMBERS, REMOVE_MEMBER, REVOKE_INVITATION } from './queries';

type Member = MembersQuery['members'][number];
type Invitation = MembersQuery['invitations'][number];

const ROLES = [
  { value: 'viewer', label: 'viewer: sees everything' },
  { value: 'billing', label: 'billing: changes customers, subscriptions, invoices' },
  { value: 'admin', label: 'admin: changes everything but members' },
  { value: 'owner', label: 'owner: everything' },
];

type Asking =
  | { act: 'invite' }
  | { act: 'role' | 'remove'; member: Member }
  | { act: 'revoke'; invitation: Invitation }
  | { act: 'leave' };

export function MembersPage() {
  const viewer = useViewer();
  const timeZone = useTimeZone();
  const isAdmin = useMay('admin');
  const isOwner = useIsOwner();
  const { signOut } = useSession();
  const [asking, setAsking] = useState<Asking | null>(null);
  const close = () => setAsking(null);
  const result = useRead(MEMBERS, {}, { enabled: isAdmin });
  const role = useChange(CHANGE_ROLE, close);
  const remove = useChange(REMOVE_MEMBER, close);
  const revoke = useChange(REVOKE_INVITATION, close);
  const leave = useChange(LEAVE_ORG, () => signOut());
  useTitle('Members');

  const memberColumns: Column<Member>[] = [
    {
      head: 'Member',
      cell: (member) => (
        <>
          {member.email ?? 'address not proven yet'}{' '}
          {member.userId === viewer.userId ? <span className="badge">you</span> : null}
        </>
      ),
    },
    { head: 'Role', cell: (member) => member.role },
    { head: 'Since', cell: (member) => formatDate(member.createdAt, timeZone) },
  ];
  if (isOwner)
    memberColumns.push({
      head: 'Actions',
      actions: true,
      cell: (member) => (
        <Menu
          label={`Actions for ${member.email ?? 'this member'}`}
          actions={[
            { label: 'Change the role …', onSelect: () => setAsking({ act: 'role', member }) },
            { label: 'Remove …', onSelect: () => setAsking({ act: 'remove', member }), danger: true },
          ]}
        />
      ),
    });
  const open = (one: Invitation) => one.revokedAt === null;

  return (
    <>
      <PageHead title="Members" intro="Who may sign in to this org, and what they may do.">
        <button type="button" className="button" onClick={() => setAsking({ act: 'leave' })}>
          Leave the org
        </button>
        {isAdmin && viewer.role !== null ? (
          <button type="button" className="button button-primary" onClick={() => setAsking({ act: 'invite' })}>
            Invite
          </button>
        ) : null}
      </PageHead>
      {isAdmin ? (
        <Loaded result={result} what="members">
          {({ members, invitations }) => (
            <>
              <Card>
                <Rows label="Members" rows={members} keyOf={({ userId }) => userId} columns={memberColumns} />
              </Card>
              <Card title="Invitations">
                {invitations.length === 0 ? (
                  <Empty title="No open invitations">An invitation is a link that you pass on.</Empty>
                ) : (
                  <Rows
                    label="Invitations"
                    rows={invitations}
                    keyOf={({ id }) => id}
                    faded={(one) => !open(one)}
                    columns={[
                      { head: 'For', cell: (one) => one.email },
                      { head: 'Role', cell: (one) => one.role },
                      {
                        head: 'Good until',
                        cell: (one) => (one.revokedAt ? 'revoked' : formatDateTime(one.expiresAt, timeZone)),
                      },
                      {
                        head: 'Actions',
                        actions: true,
                        cell: (one) =>
                          open(one) ? (
                            <button
                              type="button"
                              className="button button-small"
                              aria-label={`Revoke the invitation of ${one.email}`}
                              onClick={() => setAsking({ act: 'revoke', invitation: one })}
                            >
                              Revoke
                            </button>
                          ) : null,
                      },
                    ]}
                  />
                )}
              </Card>
            </>
          )}
        </Loaded>
      ) : (
        <Card>
          <Empty title="The list of members is for owners and admins" />
        </Card>
      )}
      {asking?.act === 'invite' ? <InviteDialog isOwner={isOwner} onClose={close} /> : null}
      {asking?.act === 'role' ? (
        <FormDialog
          title={`Role of ${asking.member.email ?? 'this member'}`}
          fields={[{ name: 'role', label: 'Role', kind: 'select', options: ROLES }]}
          initial={{ role: asking.member.role }}
          submit="Change the role"
          mutation={role}
          onSubmit={(values) => role.mutate({ userId: asking.member.userId, role: values.role })}
          onClose={close}
        />
      ) : null}
      {asking?.act === 'remove' ? (
        <ConfirmDialog
          title={`Remove ${asking.member.email ?? 'this member'}?`}
          submit="Remove"
          danger
          mutation={remove}
          onConfirm={() => remove.mutate({ userId: asking.member.userId })}
          onClose={close}
        >
          <p>Access ends within two seconds, everywhere. API keys that the member made stay: they belong to the org.</p>
        </ConfirmDialog>
      ) : null}
      {asking?.act === 'revoke' ? (
        <ConfirmDialog
          title={`Revoke the invitation of ${asking.invitation.email}?`}
          submit="Revoke"
          danger
          mutation={revoke}
          onConfirm={() => revoke.mutate({ id: asking.invitation.id })}
          onClose={close}
        >
          <p>Its link does not work any more.</p>
        </ConfirmDialog>
      ) : null}
      {asking?.act === 'leave' ? (
        <ConfirmDialog
          title={`Leave ${viewer.org.name}?`}
          submit="Leave"
          danger
          mutation={leave}
          onConfirm={() => leave.mutate({})}
          onClose={close}
        >
          <p>You lose access at once. The last owner cannot leave.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function InviteDialog({ isOwner, onClose }: { isOwner: boolean; onClose: () => void }) {
  const invite = useChange(CREATE_INVITATION);
  const created = invite.data?.createInvitation;
  if (created) {
    const link = created.token === null ? null : `${window.location.origin}/accept-invitation#${created.token}`;
    return (
      <Dialog title={`Invitation for ${created.invitation.email}`}>
        <p>A mail with a link to accept it is on its way.</p>
        {link === null ? null : (
          <SecretOnce what="link" secret={link} note="This local run shows the mail’s link as well." />
        )}
        <div className="dialog-actions">
          <button type="button" className="button button-primary" onClick={onClose}>
            {link === null ? 'Done' : 'I have passed it on'}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <FormDialog
      title="Invite to the org"
      fields={[
        { name: 'email', label: 'E-mail', kind: 'email', required: true },
        {
          name: 'role',
          label: 'Role',
          kind: 'select',
          options: ROLES.filter(({ value }) => isOwner || value !== 'owner'),
        },
        {
          name: 'days',
          label: 'Good for',
          kind: 'select',
          path: 'expiresIn',
          options: [
            { value: '7', label: 'a week' },
            { value: '1', label: 'a day' },
            { value: '30', label: '30 days' },
          ],
        },
      ]}
      initial={{ email: '', role: 'viewer', days: '7' }}
      submit="Create the invitation"
      mutation={invite}
      onSubmit={({ email, role, days }) =>
        invite.mutate({ input: { email: email.trim(), role, expiresIn: Number(days) * 86_400 } })
      }
      onClose={onClose}
    />
  );
}
