/** Several projects of one run share the server and the template, and each has them dropped and stopped. */
export default async function stopPostgres(): Promise<void> {
  const template = globalThis.softDeleteTestTemplate;
  globalThis.softDeleteTestTemplate = undefined;
  await template?.drop();
  const server = globalThis.softDeleteTestServer;
  globalThis.softDeleteTestServer = undefined;
  await server?.stop();
}
