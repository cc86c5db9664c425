import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnsupportedMediaTypeException,
} from '@nestjs/common';

/** The header that a form of another site cannot send. @internal */
export const ADMIN_HEADER = 'x-soft-delete-admin';

/**
 * Lets a writing request through that comes from the page or from a program, and not from another site in the browser of somebody who
 * is signed in.
 *
 * @internal
 */
@Injectable()
export class AdminRequestGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | string[] | undefined> }>();
    if (!/^application\/json\s*(;|$)/i.test(String(headers['content-type']))) {
      throw new UnsupportedMediaTypeException('Send the content-type application/json.');
    }
    if (headers[ADMIN_HEADER] !== '1') {
      throw new ForbiddenException(`Send the header ${ADMIN_HEADER}: 1.`);
    }
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin') {
      throw new ForbiddenException('Requests from other sites are refused.');
    }
    return true;
  }
}
