import { DriverException, NotFoundError, ValidationError } from '@mikro-orm/core';
import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  type ExceptionFilter,
  HttpStatus,
  Inject,
  NotFoundException,
} from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { DeletionRestrictedError } from '../../errors/deletion-restricted.error.js';
import { LegalHoldError } from '../../errors/legal-hold.error.js';
import { ReasonRequiredError } from '../../errors/reason-required.error.js';
import { RestoreConflictError } from '../../errors/restore-conflict.error.js';
import { sendProblem } from '../../http/send-problem.js';
import { AdminOrm } from '../admin-orm.js';
import { ConfirmationMismatchError } from './confirmation-mismatch.error.js';
import { describeConflicts } from './describe-conflicts.js';

/** Tells the page what it can do something about. @internal */
@Catch(
  RestoreConflictError,
  DeletionRestrictedError,
  LegalHoldError,
  ReasonRequiredError,
  ConfirmationMismatchError,
  DriverException,
  NotFoundError,
  ValidationError,
)
export class AdminExceptionFilter implements ExceptionFilter {
  constructor(
    @Inject(AdminOrm) private readonly orm: AdminOrm,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  catch(error: Error, host: ArgumentsHost): void {
    const problem = this.#describe(error);
    if (!problem) {
      new BaseExceptionFilter(this.host.httpAdapter).catch(translate(error), host);
      return;
    }
    sendProblem(host, { status: HttpStatus.CONFLICT, detail: error.message, ...problem });
  }

  #describe(error: Error): { readonly code: string; readonly [more: string]: unknown } | undefined {
    if (error instanceof RestoreConflictError) {
      return { code: error.code, conflicts: describeConflicts(this.orm.catalog, error.conflicts) };
    }
    if (error instanceof DeletionRestrictedError) {
      return { code: error.code, restrictions: error.restrictions };
    }
    if (error instanceof LegalHoldError) {
      return { code: error.code, holds: error.holds };
    }
    return error instanceof ConfirmationMismatchError ? { code: error.code, total: error.total } : undefined;
  }
}

function translate(error: Error): Error {
  // Class 22 of SQLSTATE, "data exception": a value that no column of its type can hold.
  const isData = error instanceof DriverException && String(error.code).startsWith('22');
  if (isData || error instanceof ValidationError) {
    return new BadRequestException('A value in the request is of another type than the column it is compared with.');
  }
  if (error instanceof ReasonRequiredError) {
    return new BadRequestException('reason must say why: the application asks for it.');
  }
  return error instanceof NotFoundError ? new NotFoundException(error.message) : error;
}
