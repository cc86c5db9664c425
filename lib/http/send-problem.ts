import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { ArgumentsHost } from '@nestjs/common';
import { responseOf } from './response-of.js';

/** What the responses of Express and Fastify have in common. */
interface PlatformResponse {
  /** Of Fastify: whether the reply was sent, or a handler has taken it over with `hijack()`. */
  readonly sent?: boolean;
  status(code: number): PlatformResponse;
  type(contentType: string): PlatformResponse;
  send(body: string): unknown;
}

/** A problem in the sense of RFC 9457, with details of its kind. */
interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

const TYPE = 'application/problem+json';

/**
 * Answers a request with `application/problem+json`, on Express and Fastify. A response that has begun is ended.
 *
 * @internal
 */
export function sendProblem(host: ArgumentsHost, { status, ...details }: Problem): void {
  const raw = responseOf(host) as ServerResponse | undefined;
  if (raw?.headersSent) {
    raw.end();
    return;
  }
  const body = { title: STATUS_CODES[status], status, ...details };
  // As text: keys may be of types that JSON has no word for, and Fastify writes a text as it is.
  const text = JSON.stringify(body, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  const response = host.switchToHttp().getResponse<PlatformResponse>();
  if (response.sent) {
    raw?.writeHead(status, { 'content-type': TYPE }).end(text);
  } else {
    response.status(status).type(TYPE).send(text);
  }
}
