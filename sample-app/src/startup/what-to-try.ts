import type { Environment } from './environment.js';

/** What the app says when it is ready. The README explains the same lines. */
export function whatToTry(address: string, { adminApiKey, adminApiKeyGenerated }: Environment): string {
  const key = adminApiKeyGenerated ? `export ADMIN_API_KEY=${adminApiKey}\n` : '';
  return `
The shop is open: ${address}   (what it can do: ${address}/docs; Ctrl-C closes it)

Try this in another terminal:

${key}curl -X DELETE ${address}/customers/1                          # Ada closes her account
curl ${address}/customers                                    # she is gone
curl -H "x-api-key: $ADMIN_API_KEY" "${address}/admin/customers?deleted=with"
curl -X POST ${address}/customers -H 'content-type: application/json' \\
  -d '{"email": "ada@example.com", "name": "Ada again"}'                # registers with the same email
curl -X POST -H "x-api-key: $ADMIN_API_KEY" ${address}/admin/customers/1/restore    # 409: the email is taken
curl -X DELETE ${address}/customers/6                          # the newcomer leaves
curl -X POST -H "x-api-key: $ADMIN_API_KEY" ${address}/admin/customers/1/restore    # and Ada is back, with her reviews
curl -X POST -H "x-api-key: $ADMIN_API_KEY" "${address}/admin/purge?dryRun=true"    # what a purge would remove
`;
}
