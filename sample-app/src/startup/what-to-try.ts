import type { Environment } from './environment.js';

/** What the app says when it is ready. The README explains the same lines. */
export function whatToTry(address: string, { adminApiKey, adminApiKeyGenerated }: Environment): string {
  const key = adminApiKeyGenerated ? `export ADMIN_API_KEY=${adminApiKey}\n` : '';
  return `
The shop is open: ${address}   (what it can do: ${address}/docs; Ctrl-C closes it)

Try this in another terminal:

${key}curl -X DELETE ${address}/customers/1
curl ${address}/customers
curl -H "x-api-key: $ADMIN_API_KEY" "${address}/admin/customers?deleted=with"
curl ${address}/orders/1
curl -H "x-api-key: $ADMIN_API_KEY" ${address}/admin/reports/revenue
curl -X POST ${address}/customers -H 'content-type: application/json' -d '{"email": "ada@example.com", "name": "Ada again"}'
curl -X POST -H "x-api-key: $ADMIN_API_KEY" ${address}/admin/customers/1/restore
curl -X DELETE ${address}/customers/6
curl -X POST -H "x-api-key: $ADMIN_API_KEY" ${address}/admin/customers/1/restore
curl -X POST -H "x-api-key: $ADMIN_API_KEY" "${address}/admin/purge?dryRun=true"

They close an account, look for it with and without the deleted, show that its order and the revenue are still there, register
with the same email, are refused to restore the first account, delete the second, restore the first, and preview a purge.
`;
}
