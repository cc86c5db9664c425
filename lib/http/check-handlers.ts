import type { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { DELETED_SCOPE_METADATA } from './deleted-scope.decorator.js';
import type { RequestParameter } from './request-parameter.js';
import { WITH_DELETED_METADATA } from './with-deleted.options.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];
type Handler = Readonly<Record<string, unknown>> | Function;

/**
 * By which the libraries of Nest know the methods that they call, read by name so that none of them need be installed: HTTP routes,
 * message handlers, gateways, resolvers.
 */
const ROUTE = 'method';
const MESSAGES = ['microservices:pattern', 'websockets:message_mapping'];
const RESOLVERS = ['graphql:resolver_type', 'graphql:resolve_reference'];
const FIELD = 'graphql:resolve_property';
/** The token of the options of `GraphQLModule`. */
const GRAPHQL_OPTIONS = 'GqlModuleOptions';

/** Methods that are called without interceptors and without a request, by the mark of their decorators. */
const WITHOUT_REQUEST: Readonly<Record<string, string>> = {
  SCHEDULER_TYPE: 'a scheduled method (@Cron(), @Interval(), @Timeout())',
  EVENT_LISTENER_METADATA: 'a listener (@OnEvent())',
  'bullmq:worker_events_metadata': 'a listener of a queue (@OnWorkerEvent())',
  'bullmq:queue_events_metadata': 'a listener of a queue (@OnQueueEvent())',
  'bull:queue_process': 'a processor of a queue (@Process())',
  'bull:on_queue_event': 'a listener of a queue',
};
/** Classes whose methods are called so. */
const PROCESSORS: Readonly<Record<string, string>> = {
  'bullmq:processor_metadata': 'a processor of a queue (@Processor())',
  'bullmq:queue_events_listener_metadata': 'a listener of a queue (@QueueEventsListener())',
  'bull:module_queue': 'a processor of a queue (@Processor())',
};

/**
 * Looks for `@WithDeleted()` and `@DeletedScope()` where they can do nothing.
 *
 * @returns a line for each field resolver whose interceptors Nest does not run
 * @throws SoftDeleteConfigError if a method that no request calls carries one, or its name for a parameter is of another kind of request
 * @internal
 */
export function checkHandlers(discovery: DiscoveryService, scanner: MetadataScanner): string[] {
  const providers = discovery.getProviders();
  const runsForFields = runInterceptorsForFields(providers);
  const warnings: string[] = [];
  // A class may be provided by several modules.
  for (const metatype of new Set([...providers, ...discovery.getControllers()].map((wrapper) => wrapper.metatype))) {
    const prototype = (metatype as { prototype?: object } | null)?.prototype;
    if (!metatype || !prototype) {
      continue;
    }
    const onClass = has(metatype, WITH_DELETED_METADATA);
    const methods = new Map(
      scanner.getAllMethodNames(prototype).map((method) => [method, (prototype as Record<string, Handler>)[method]!]),
    );
    const handlers = [...methods.values()].filter(isHandler);
    refuseForeignName(`@WithDeleted() on ${metatype.name}`, parameterOf(metatype, WITH_DELETED_METADATA), handlers);
    for (const [method, handler] of methods) {
      const name = `${metatype.name}.${method}`;
      const own = decoratorOf(handler);
      // On a class that has handlers too, it is meant for these.
      const decorator = own ?? (onClass && handlers.length === 0 ? '@WithDeleted()' : undefined);
      if (decorator && !isHandler(handler)) {
        refuseWithoutRequest(`${decorator} on ${name}`, metatype, handler);
      } else if (own) {
        refuseForeignName(`@WithDeleted() on ${name}`, parameterOf(handler, WITH_DELETED_METADATA), [handler]);
        refuseForeignName(`@DeletedScope() on ${name}`, parameterOf(handler, DELETED_SCOPE_METADATA), [handler]);
      }
      if ((onClass || has(handler, WITH_DELETED_METADATA)) && has(handler, FIELD) && !runsForFields) {
        warnings.push(
          `@WithDeleted() does nothing for the field resolver ${name}: Nest runs no interceptors for fields. ` +
            "Set fieldResolverEnhancers: ['interceptors'] in the options of GraphQLModule, or read with repository.withDeleted().",
        );
      }
    }
  }
  return warnings;
}

function refuseWithoutRequest(option: string, metatype: object, handler: Handler): void {
  const kinds = [...markedWith(handler, WITHOUT_REQUEST), ...markedWith(metatype, PROCESSORS)];
  if (kinds.length > 0) {
    throw new SoftDeleteConfigError(
      option,
      `${kinds[0]} is called without a request and without interceptors, so the decorator does nothing.`,
      "Read with repository.withDeleted(), or wrap what the method does: runInScope(em, 'with', () => …).",
    );
  }
}

/** A query parameter where there is no query, or an argument where there are none. On a class: of none of its handlers. */
function refuseForeignName(
  option: string,
  parameter: RequestParameter | undefined,
  handlers: readonly Handler[],
): void {
  const { query, arg } = parameter ?? {};
  const isOnlyOf = (marks: readonly string[]): boolean =>
    handlers.length > 0 && handlers.every((handler) => !marks.some((mark) => has(handler, mark)));
  if (query !== undefined && arg === undefined && isOnlyOf([ROUTE])) {
    throw new SoftDeleteConfigError(
      option,
      `it names the query parameter ${query}, and only HTTP requests have those.`,
      `Write { arg: '${query}' } for the argument of a resolver or the property of a message.`,
    );
  }
  if (arg !== undefined && query === undefined && isOnlyOf([FIELD, ...MESSAGES, ...RESOLVERS])) {
    throw new SoftDeleteConfigError(
      option,
      `it names the argument ${arg}, and HTTP requests have none.`,
      `Write { query: '${arg}' } for a query parameter.`,
    );
  }
}

function parameterOf(target: object, key: string): RequestParameter | undefined {
  return Reflect.getMetadata(key, target) as RequestParameter | undefined;
}

function decoratorOf(handler: Handler): string | undefined {
  return has(handler, WITH_DELETED_METADATA)
    ? '@WithDeleted()'
    : has(handler, DELETED_SCOPE_METADATA)
      ? '@DeletedScope()'
      : undefined;
}

function isHandler(handler: Handler): boolean {
  return [ROUTE, FIELD, ...MESSAGES, ...RESOLVERS].some((mark) => has(handler, mark));
}

function runInterceptorsForFields(providers: readonly Wrapper[]): boolean {
  return providers
    .filter(({ token }) => token === GRAPHQL_OPTIONS)
    .map(
      ({ instance }) =>
        (instance as { fieldResolverEnhancers?: readonly string[] } | undefined)?.fieldResolverEnhancers,
    )
    .some((enhancers) => enhancers?.includes('interceptors'));
}

function markedWith(target: object, kinds: Readonly<Record<string, string>>): string[] {
  return Object.entries(kinds).flatMap(([mark, kind]) => (has(target, mark) ? [kind] : []));
}

function has(target: object, mark: string): boolean {
  return Reflect.hasMetadata(mark, target);
}
