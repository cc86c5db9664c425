export default async function stopPostgres(): Promise<void> {
  await globalThis.softDeleteTestServer?.stop();
}
