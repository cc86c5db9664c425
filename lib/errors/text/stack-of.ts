/** What a logger is given of an error: its stack, or what there is of it. @internal */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
