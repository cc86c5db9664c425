/** @internal */
export type TelemetryApi = typeof import('@opentelemetry/api');

/**
 * The API of OpenTelemetry, if the application has installed it. Without an SDK behind it, everything that is told to it comes to nothing.
 *
 * @internal
 */
export async function loadTelemetry(): Promise<TelemetryApi | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch {
    return undefined;
  }
}
