import { type ArgumentsHost, Catch, HttpStatus } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { DriverException, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Response } from 'express';

/** Tells the client which of its values the database refused; anything else stays an internal error and is logged. */
@Catch(DriverException)
export class DatabaseExceptionFilter extends BaseExceptionFilter {
  override catch(error: DriverException, host: ArgumentsHost): void {
    const problem = describe(error);
    if (!problem) {
      super.catch(error, host);
      return;
    }
    const response = host.switchToHttp().getResponse<Response>();
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}

function describe(error: DriverException): { status: HttpStatus; title: string; detail: string } | undefined {
  if (error instanceof UniqueConstraintViolationException) {
    const { detail } = error as { detail?: string };
    return { status: HttpStatus.CONFLICT, title: 'Conflict', detail: detail ?? 'The value is taken.' };
  }
  // Class 22 of SQLSTATE, "data exception": a value that no column can hold.
  if (String(error.code).startsWith('22')) {
    return {
      status: HttpStatus.BAD_REQUEST,
      title: 'Bad Request',
      detail: 'A value in the request cannot be stored.',
    };
  }
  return undefined;
}
