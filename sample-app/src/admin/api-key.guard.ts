import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import type { Request } from 'express';

export const ADMIN_API_KEY = Symbol('ADMIN_API_KEY');
export const API_KEY_HEADER = 'x-api-key';

/** Lets a request through that carries the admin's key. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(@Inject(ADMIN_API_KEY) private readonly key: string) {}

  canActivate(context: ExecutionContext): boolean {
    const given = context.switchToHttp().getRequest<Request>().header(API_KEY_HEADER);
    if (given === undefined || !timingSafeEqual(digest(given), digest(this.key))) {
      throw new UnauthorizedException(`Send the admin's key in the header "${API_KEY_HEADER}".`);
    }
    return true;
  }
}

/** Equally long for any text, as the comparison needs it. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
