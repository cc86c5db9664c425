import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

const logger = new Logger('HTTP');

/** One line per request, when it is over. */
export function logRequest(request: Request, response: Response, next: NextFunction): void {
  const started = performance.now();
  response.once('close', () => {
    const outcome = response.writableFinished ? response.statusCode : 'aborted';
    const duration = (performance.now() - started).toFixed(1);
    logger.log(`${request.method} ${request.originalUrl} ${outcome} ${duration} ms`);
  });
  next();
}
