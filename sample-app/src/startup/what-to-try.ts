import type { Environment } from './environment.js';

/** What the app says when it is ready. The README has the same commands. */
export function whatToTry(address: string, { adminApiKey, adminApiKeyGenerated }: Environment): string {
  const admin = '-H "x-api-key: $ADMIN_API_KEY"';
  const steps = [
    ['Ada closes her account, and her reviews go along', `curl -X DELETE ${address}/customers/1`],
    ['the shop does not know her any more', `curl ${address}/customers`],
    ['the admin does', `curl ${admin} "${address}/admin/customers?deleted=with"`],
    ['her order is still there, and still hers', `curl ${address}/orders/1`],
    ['and so is the revenue', `curl ${admin} ${address}/admin/reports/revenue`],
    [
      'she registers again, with the same email',
      `curl -X POST ${address}/customers -H 'content-type: application/json' -d '{"email": "ada@example.com", "name": "Ada again"}'`,
    ],
    ['now the old account cannot come back: 409', `curl -X POST ${admin} ${address}/admin/customers/1/restore`],
    ['she closes the new one', `curl -X DELETE "${address}/customers?email=ada@example.com"`],
    ['and the old one comes back, with its reviews', `curl -X POST ${admin} ${address}/admin/customers/1/restore`],
    ['what would a purge remove?', `curl -X POST ${admin} "${address}/admin/purge?dryRun=true"`],
  ];
  return `
The shop is open: ${address} (what it can do: ${address}/docs, Ctrl-C closes it)
The page for what was deleted: ${address}/admin/deleted (it asks for the admin's key)

Try this in another terminal.
${adminApiKeyGenerated ? `\n  The admin's key, as ADMIN_API_KEY is not set here:\nexport ADMIN_API_KEY=${adminApiKey}\n` : ''}
${steps.map(([what, command]) => `  ${what}:\n${command}`).join('\n')}
`;
}
