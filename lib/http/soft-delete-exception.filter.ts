import { STATUS_CODES } from 'node:http';
import { NotFoundError } from '@mikro-orm/core';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import { RestoreConflictError } from '../errors/restore-conflict.error.js';
import { responseOf } from './response-of.js';

type Caught = RestoreConflictError | DeletionRestrictedError | NotFoundError;

/** What the responses of Express and Fastify have in common. */
interface PlatformResponse {
  status(code: number): PlatformResponse;
  type(contentType: string): PlatformResponse;
  send(body: string): unknown;
}

/**
 * Answers what a deletion or a restoration was refused for with 409 and its details, and what MikroORM's `findOneOrFail()` did not find
 * with 404, as `application/problem+json`:
 *
 * ```ts
 * { provide: APP_FILTER, useClass: SoftDeleteExceptionFilter } // or app.useGlobalFilters(new SoftDeleteExceptionFilter())
 * ```
 *
 * ```json
 * { "title": "Conflict", "status": 409, "code": "RESTORE_CONFLICT", "detail": "User was not restored: …", "conflicts": […] }
 * ```
 *
 * The details name entities, relations, constraints and keys. Works on Express and Fastify. Outside of HTTP the error stays what it is.
 *
 * @publicApi
 */
@Catch(RestoreConflictError, DeletionRestrictedError, NotFoundError)
export class SoftDeleteExceptionFilter implements ExceptionFilter<Caught> {
  catch(error: Caught, host: ArgumentsHost): void {
    if (host.getType() !== 'http') {
      throw error;
    }
    const raw = responseOf(host);
    if (raw && 'headersSent' in raw && raw.headersSent) {
      raw.end();
      return;
    }
    const { status, ...details } = describe(error);
    const body = { title: STATUS_CODES[status], status, ...details };
    // As text: keys may be of types that JSON has no word for, and Fastify writes a text as it is.
    const text = JSON.stringify(body, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    host.switchToHttp().getResponse<PlatformResponse>().status(status).type('application/problem+json').send(text);
  }
}

function describe(error: Caught): { readonly status: number; readonly [detail: string]: unknown } {
  if (error instanceof NotFoundError) {
    // The ORM's message goes on with the condition, whose values may be none of the client's.
    const [detail] = error.message.split(' (', 1);
    return { status: 404, code: 'NOT_FOUND', detail };
  }
  const { code, message: detail } = error;
  return error instanceof RestoreConflictError
    ? { status: 409, code, detail, conflicts: error.conflicts }
    : { status: 409, code, detail, restrictions: error.restrictions };
}
