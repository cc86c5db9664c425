import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { describeQuery } from './describe-query.js';
import { WithDeletedInterceptor } from './with-deleted.interceptor.js';
import { WITH_DELETED_METADATA, type WithDeletedOptions } from './with-deleted.options.js';

/**
 * Shows deleted rows to the queries of a handler: a route, a GraphQL resolver, a message handler of a microservice or a WebSocket
 * gateway. On a class it is for all of its handlers; on a handler it takes the place of the one on its class.
 *
 * ```ts
 * @UseGuards(AdminGuard)
 * @WithDeleted({ query: 'withDeleted' }) // GET /users?withDeleted=true
 * @Get()
 * list() { … }
 *
 * @WithDeleted({ arg: 'withDeleted' }) // query { users(withDeleted: true) { name } }
 * @Query(() => [User])
 * users(@Args('withDeleted', { nullable: true }) withDeleted?: boolean) { … }
 * ```
 *
 * The scope opens after guards have passed and ends with the handler's answer; a `StreamableFile` is read under it too.
 * Deletions and updates see active rows only, as everywhere. `@nestjs/swagger` is told of the parameter; an `@ApiQuery()` of the same
 * name takes the place of that.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @throws BadRequestException to the client, if what `query` or `arg` names is neither `true` nor `false`
 * @publicApi
 */
export function WithDeleted(options: WithDeletedOptions = {}): MethodDecorator & ClassDecorator {
  refuseUnknownOptions('@WithDeleted()', options, ['query', 'arg', 'contextName']);
  requireType('@WithDeleted(), query', options.query, 'string');
  requireType('@WithDeleted(), arg', options.arg, 'string');
  requireType('@WithDeleted(), contextName', options.contextName, 'string');
  return applyDecorators(
    SetMetadata(WITH_DELETED_METADATA, options),
    UseInterceptors(WithDeletedInterceptor),
    describeTo(options),
  );
}

/** Tells OpenAPI of the parameter. On a controller: for each of its routes that has no decorator of its own. */
function describeTo({ query }: WithDeletedOptions): MethodDecorator & ClassDecorator {
  return (target: object, _key?: unknown, descriptor?: PropertyDescriptor) => {
    if (query === undefined) {
      return;
    }
    const description = {
      name: query,
      description: 'Whether deleted rows are shown too.',
      schema: { type: 'boolean' },
    };
    if (descriptor) {
      describeQuery(descriptor.value as object, description);
      return;
    }
    const methods = Object.values(Object.getOwnPropertyDescriptors((target as { prototype: object }).prototype));
    for (const route of methods.map(({ value }) => value as unknown).filter((value) => typeof value === 'function')) {
      describeQuery(route, description, () => !Reflect.hasMetadata(WITH_DELETED_METADATA, route));
    }
  };
}
