import type { ExecutionContext } from '@nestjs/common';

/**
 * The value of a query parameter as the platform parsed it, Express or Fastify; `undefined` if the request does not have it.
 *
 * @internal
 */
export function readQuery(context: ExecutionContext, name: string): unknown {
  const query = context.switchToHttp().getRequest<{ query?: object } | undefined>()?.query;
  return query && Object.hasOwn(query, name) ? (query as Record<string, unknown>)[name] : undefined;
}
