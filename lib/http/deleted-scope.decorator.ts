import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { DeletedScope as Scope } from '../metadata/active-predicate.js';
import { describeQuery } from './describe-query.js';
import { readQuery } from './read-query.js';

const SCOPES: readonly unknown[] = ['active', 'with', 'only'] satisfies Scope[];

/**
 * Which rows a read shows: `'active'` ones, active and deleted ones (`'with'`), or deleted ones (`'only'`).
 *
 * @publicApi
 */
export type DeletedScope = Scope;

const InjectScope: (query: string) => ParameterDecorator = createParamDecorator(
  (query: string, context: ExecutionContext): Scope => {
    const value = readQuery(context, query);
    if (value === undefined) {
      return 'active';
    }
    if (!SCOPES.includes(value)) {
      throw new BadRequestException(`The query parameter ${query} must be active, with or only.`);
    }
    return value as Scope;
  },
);

/**
 * Injects the scope that a request names in a query parameter, for `repository.scope(…)`: `active`, `with` or `only`, and
 * `active` if it names none.
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
 * @throws BadRequestException to the client, if it is anything else
 * @publicApi
 */
export function DeletedScope(query: string): ParameterDecorator {
  return (target, key, index) => {
    InjectScope(query)(target, key, index);
    if (key !== undefined) {
      describeQuery((target as Record<string | symbol, object>)[key]!, {
        name: query,
        description: 'Which rows are shown: active ones, deleted ones too, or deleted ones only.',
        schema: { type: 'string', enum: SCOPES, default: 'active' },
      });
    }
  };
}
