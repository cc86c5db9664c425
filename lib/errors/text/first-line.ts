/** What an error says in one line. @internal */
export function firstLine(error: unknown): string {
  // An attempt on several addresses of a host fails with one error that has no message of its own.
  const { errors } = (error ?? {}) as { errors?: unknown[] };
  const message =
    error instanceof Error ? error.message || String((errors?.[0] as Error)?.message ?? error) : String(error);
  return message.trim().split('\n', 1)[0]!;
}
