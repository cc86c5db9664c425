import type { ExecutionContext } from '@nestjs/common';
import { readQuery } from './read-query.js';
import type { RequestParameter } from './request-parameter.js';

/**
 * What a request says, and where it says it: the query parameter of an HTTP request, the argument of a GraphQL field, or the property of
 * a message. The name of one means nothing in the others.
 *
 * @internal
 */
export function readParameter(
  context: ExecutionContext,
  { query, arg }: RequestParameter,
): { readonly value: unknown; readonly called: string } {
  if (context.getType() === 'http') {
    return {
      value: query === undefined ? undefined : readQuery(context, query),
      called: `The query parameter ${query}`,
    };
  }
  const payload = payloadOf(context);
  const isNamed = arg !== undefined && typeof payload === 'object' && payload !== null && Object.hasOwn(payload, arg);
  const value = isNamed ? (payload as Record<string, unknown>)[arg] : undefined;
  // An argument that may be left out may be null in GraphQL.
  return { value: value ?? undefined, called: `The argument ${arg}` };
}

function payloadOf(context: ExecutionContext): unknown {
  switch (context.getType<string>()) {
    case 'graphql': {
      // A resolver is called with its parent, arguments, context and information. One of a reference has no arguments.
      const args = context.getArgs<unknown[]>();
      return args.length > 3 ? args[1] : undefined;
    }
    case 'rpc':
      return context.switchToRpc().getData<unknown>();
    case 'ws':
      return context.switchToWs().getData<unknown>();
    default:
      return undefined;
  }
}
