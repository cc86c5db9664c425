import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { describeByDecorator } from './open-api/describe-by-decorator.js';
import { WithDeletedInterceptor } from './with-deleted.interceptor.js';
import { WITH_DELETED_DESCRIPTION, WITH_DELETED_METADATA, type WithDeletedOptions } from './with-deleted.options.js';

/**
 * Shows deleted rows to the queries of a handler: a route, a GraphQL resolver, a message handler of a microservice or a WebSocket
 * gateway. On a class it applies to all of its handlers; on a handler it overrides the one on the class.
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
 * Deletions and updates see active rows only, as everywhere. It describes the parameter to `@nestjs/swagger`; your own `@ApiQuery()` of the
 * same name wins.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @throws BadRequestException to the client, if the value of `query` or `arg` is neither `true` nor `false`
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
    describeByDecorator(WITH_DELETED_DESCRIPTION, options),
  );
}
