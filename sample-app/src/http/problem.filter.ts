import { type ArgumentsHost, Catch, HttpStatus } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { DriverException, NotFoundError, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Response } from 'express';
import { DeletionRestrictedError, RestoreConflictError } from 'nestjs-mikro-orm-soft-delete';

interface Problem {
  readonly statusCode: HttpStatus;
  readonly message: string;
  readonly [detail: string]: unknown;
}

/** Tells the client what it can do something about; anything else stays an internal error and is logged. */
@Catch()
export class ProblemFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const problem = describe(error);
    if (!problem) {
      super.catch(error, host);
      return;
    }
    host.switchToHttp().getResponse<Response>().status(problem.statusCode).json(problem);
  }
}

function describe(error: unknown): Problem | undefined {
  if (error instanceof RestoreConflictError) {
    const { code, message, conflicts } = error;
    return { statusCode: HttpStatus.CONFLICT, code, message, conflicts };
  }
  if (error instanceof DeletionRestrictedError) {
    const { code, message, restrictions } = error;
    return { statusCode: HttpStatus.CONFLICT, code, message, restrictions };
  }
  if (error instanceof UniqueConstraintViolationException) {
    const { detail, constraint } = error as { detail?: string; constraint?: string };
    return { statusCode: HttpStatus.CONFLICT, message: detail ?? 'The value is taken.', constraint };
  }
  if (error instanceof NotFoundError) {
    return { statusCode: HttpStatus.NOT_FOUND, message: error.message };
  }
  // Class 22 of SQLSTATE, "data exception": a value that no column can hold.
  if (error instanceof DriverException && String(error.code).startsWith('22')) {
    return { statusCode: HttpStatus.BAD_REQUEST, message: 'A value in the request cannot be stored.' };
  }
  return undefined;
}
