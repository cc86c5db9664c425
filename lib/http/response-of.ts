import { Writable } from 'node:stream';
import type { ArgumentsHost } from '@nestjs/common';

/** Node's own response behind the one of the platform, Express or Fastify; `undefined` if the call is none of HTTP. @internal */
export function responseOf(context: ArgumentsHost): Writable | undefined {
  if (context.getType() !== 'http') {
    return undefined;
  }
  const response = context.switchToHttp().getResponse<{ raw?: unknown } | undefined>();
  return [response, response?.raw].find((candidate): candidate is Writable => isResponse(candidate));
}

/** An `OutgoingMessage` is no `Writable` to `instanceof`, but to `finished()`. */
function isResponse(candidate: unknown): boolean {
  const { once, write, writableEnded } = (candidate ?? {}) as Partial<Writable>;
  return typeof once === 'function' && typeof write === 'function' && typeof writableEnded === 'boolean';
}
