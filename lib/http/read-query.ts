import type { ExecutionContext } from '@nestjs/common';

/**
 * The value of a query parameter as the platform parsed it, Express or Fastify; `undefined` if the request does not have it, or is
 * none of HTTP: the payload of a message may well have a property of that name.
 *
 * @internal
 */
export function readQuery(context: ExecutionContext, name: string): unknown {
  if (context.getType() !== 'http') {
    return undefined;
  }
  const query = context.switchToHttp().getRequest<{ query?: object } | undefined>()?.query;
  return query && Object.hasOwn(query, name) ? (query as Record<string, unknown>)[name] : undefined;
}
