import type { Environment } from './environment.js';

/** What the app says when it is ready. The README has the same commands. */
export function whatToTry(address: string, { adminApiKey, adminApiKeyGenerated }: Environment): string {
  const admin = '-H "x-api-key: $ADMIN_API_KEY"';
  const steps = [
    ['Ada closes her account; her reviews are deleted with it', `curl -X DELETE ${address}/customers/1`],
    ['The shop no longer lists her', `curl ${address}/customers`],
    ['The admin still can', `curl ${admin} "${address}/admin/customers?deleted=with"`],
    ['Her order is still there, and still hers', `curl ${address}/orders/1`],
    ['So is the revenue', `curl ${admin} ${address}/admin/reports/revenue`],
    [
      'She registers again with the same email',
      `curl -X POST ${address}/customers -H 'content-type: application/json' -d '{"email": "ada@example.com", "name": "Ada again"}'`,
    ],
    ['Now the old account cannot be restored (409)', `curl -X POST ${admin} ${address}/admin/customers/1/restore`],
    ['She closes the new account', `curl -X DELETE "${address}/customers?email=ada@example.com"`],
    ['The old one can be restored, with its reviews', `curl -X POST ${admin} ${address}/admin/customers/1/restore`],
    ['What a purge would remove', `curl -X POST ${admin} "${address}/admin/purge?dryRun=true"`],
    ['Grace wants to be forgotten: what goes, what is kept, by when', `curl -X POST ${address}/customers/2/erasure`],
    [
      'A dispute with her puts a hold on it',
      `curl -X POST ${admin} ${address}/admin/customers/2/holds -H 'content-type: application/json' -d '{"name": "Dispute 17", "reason": "The teapot arrived in pieces"}'`,
    ],
    ['The deadline stays, and nothing of hers goes', `curl ${address}/customers/2/erasure`],
  ];
  return `
The shop is open: ${address} (API: ${address}/docs, Ctrl-C stops it)
Deleted rows: ${address}/admin/deleted (it asks for the admin key)

Try this in another terminal:
${adminApiKeyGenerated ? `\n  The admin key, generated because ADMIN_API_KEY is not set:\nexport ADMIN_API_KEY=${adminApiKey}\n` : ''}
${steps.map(([what, command]) => `  ${what}:\n${command}`).join('\n')}
`;
}
