import { NotFoundError } from '@mikro-orm/core';
import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import { LegalHoldError } from '../errors/legal-hold.error.js';
import { ReasonRequiredError } from '../errors/reason-required.error.js';
import { RestoreConflictError } from '../errors/restore-conflict.error.js';
import { plainValue } from '../metadata/plain-value.js';
import type { SoftDeleteProblemDto } from './open-api/soft-delete-problem.dto.js';
import { sendProblem } from './send-problem.js';
import { sendToSocket } from './send-to-socket.js';

type Caught = RestoreConflictError | DeletionRestrictedError | LegalHoldError | ReasonRequiredError | NotFoundError;

/**
 * Answers a refused deletion or restoration with 409 and its details, a missing reason with 400, and a row that MikroORM's
 * `findOneOrFail()` did not find with 404, as `application/problem+json`:
 *
 * ```ts
 * { provide: APP_FILTER, useClass: SoftDeleteExceptionFilter } // or app.useGlobalFilters(new SoftDeleteExceptionFilter())
 * ```
 *
 * ```json
 * { "title": "Conflict", "status": 409, "code": "RESTORE_CONFLICT", "detail": "User was not restored: …", "conflicts": […] }
 * ```
 *
 * The details name entities, relations, constraints and keys, but no legal hold, since not every caller may know of it.
 * `SoftDeleteProblemDto` describes the answer to OpenAPI. Works on Express and Fastify.
 *
 * With `@UseFilters()` on message handlers and gateways, the client of a microservice or of a WebSocket gets
 * `{ status: 'error', code, message, … }` with the same details, as Nest sends an `RpcException` and a `WsException`. GraphQL gets the
 * error unchanged.
 *
 * @publicApi
 */
@Catch(RestoreConflictError, DeletionRestrictedError, LegalHoldError, ReasonRequiredError, NotFoundError)
export class SoftDeleteExceptionFilter implements ExceptionFilter<Caught> {
  catch(error: Caught, host: ArgumentsHost): void | Observable<never> {
    switch (host.getType<string>()) {
      case 'http':
        return sendProblem(host, describe(error));
      case 'rpc':
        // An event has nobody to answer to, and Nest does not say which of the two this is.
        new Logger(SoftDeleteExceptionFilter.name).warn(error.message);
        return throwError(() => messageOf(error));
      case 'ws':
        return sendToSocket(host, 'exception', messageOf(error));
      default:
        throw error;
    }
  }
}

/** The shape in which Nest tells a client of an error. */
function messageOf(error: Caught): unknown {
  const { status: _, detail: message, ...details } = describe(error);
  return plainValue({ status: 'error', message, ...details });
}

function describe(error: Caught): Omit<SoftDeleteProblemDto, 'title'> {
  if (error instanceof NotFoundError) {
    // The ORM's message goes on with the condition, whose values may be none of the client's.
    const detail = error.message.split(' (', 1)[0]!;
    return { status: 404, code: 'NOT_FOUND', detail };
  }
  if (error instanceof LegalHoldError) {
    return { status: 409, code: error.code, detail: `${error.entity} was not removed: a legal hold covers it.` };
  }
  if (error instanceof ReasonRequiredError) {
    return { status: 400, code: error.code, detail: 'This needs a reason, and the request gives none.' };
  }
  const { code, message: detail } = error;
  return error instanceof RestoreConflictError
    ? { status: 409, code, detail, conflicts: error.conflicts }
    : { status: 409, code, detail, restrictions: error.restrictions };
}
