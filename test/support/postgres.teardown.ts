/** Several projects of one run share the server, and each has it stopped. */
export default async function stopPostgres(): Promise<void> {
  const server = globalThis.softDeleteTestServer;
  globalThis.softDeleteTestServer = undefined;
  await server?.stop();
}
