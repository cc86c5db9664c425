import type { ArgumentsHost } from '@nestjs/common';

/** A client of the package `ws`, or one of Socket.IO, which has no `readyState`. */
interface SocketClient {
  readonly readyState?: number;
  send(text: string): unknown;
  emit(event: string, data: unknown): unknown;
}

/** Sends a client of a gateway an event, as Nest's `BaseWsExceptionFilter` does: `emit()` of `ws` reaches nobody outside of the process. @internal */
export function sendToSocket(host: ArgumentsHost, event: string, data: unknown): void {
  const client = host.switchToWs().getClient<SocketClient>();
  if (client.readyState === undefined) {
    client.emit(event, data);
  } else {
    client.send(JSON.stringify({ event, data }));
  }
}
