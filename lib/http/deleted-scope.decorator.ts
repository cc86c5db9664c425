import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import type { DeletedScope as Scope } from '../metadata/active-predicate.js';
import { describeParameter } from './open-api/describe-parameter.js';
import { readParameter } from './read-parameter.js';
import type { RequestParameter } from './request-parameter.js';

const SCOPES: readonly unknown[] = ['active', 'with', 'only'] satisfies Scope[];

/**
 * Which rows a read shows: `'active'` ones, active and deleted ones (`'with'`), or deleted ones (`'only'`).
 *
 * @publicApi
 */
export type DeletedScope = Scope;

/** Where the decorator leaves its options on the method. @internal */
export const DELETED_SCOPE_METADATA = 'nestjs-mikro-orm-soft-delete/deleted-scope';

const InjectScope: (parameter: RequestParameter) => ParameterDecorator = createParamDecorator(
  (parameter: RequestParameter, context: ExecutionContext): Scope => {
    const { value, called } = readParameter(context, parameter);
    if (value === undefined) {
      return 'active';
    }
    if (!SCOPES.includes(value)) {
      throw new BadRequestException(`${called} must be active, with or only.`);
    }
    return value as Scope;
  },
);

/**
 * Injects the scope that a request names, for `repository.scope(…)`: `active`, `with` or `only`, and `active` if it names none. By a
 * query parameter, or with `{ arg: 'trashed' }` by an argument in GraphQL or a property of a message.
 *
 * ```ts
 * @Get() // GET /users?trashed=only
 * list(@DeletedScope('trashed') scope: DeletedScope) {
 *   return this.users.scope(scope).findAll();
 * }
 * ```
 *
 * `@nestjs/swagger` is told of the parameter; an `@ApiQuery()` of the same name takes the place of that.
 *
 * @throws SoftDeleteConfigError if it names neither a parameter nor an argument
 * @throws BadRequestException to the client, if it is anything else
 * @publicApi
 */
export function DeletedScope(parameter: string | RequestParameter): ParameterDecorator {
  const given = typeof parameter === 'string' ? { query: parameter } : parameter;
  refuseUnknownOptions('@DeletedScope()', given, ['query', 'arg']);
  requireType('@DeletedScope(), query', given.query, 'string');
  requireType('@DeletedScope(), arg', given.arg, 'string');
  const { query, arg } = given;
  if (query === undefined && arg === undefined) {
    throw new SoftDeleteConfigError(
      '@DeletedScope()',
      'it names neither a query parameter nor an argument that could contain the scope.',
      "Write @DeletedScope('deleted') for a query parameter, or @DeletedScope({ arg: 'deleted' }) for an argument.",
    );
  }
  return (target, key, index) => {
    InjectScope(given)(target, key, index);
    if (key === undefined) {
      return;
    }
    const handler = (target as Record<string | symbol, object>)[key]!;
    Reflect.defineMetadata(DELETED_SCOPE_METADATA, given, handler);
    if (query !== undefined) {
      const description = {
        in: 'query',
        name: query,
        description: 'Which rows are shown: active ones, deleted ones too, or deleted ones only.',
        schema: { type: 'string', enum: SCOPES, default: 'active' },
      } as const;
      // Once all decorators of the class have run, so that a description of the application's is known.
      queueMicrotask(() => describeParameter(handler, description));
    }
  };
}
