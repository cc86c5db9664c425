import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { WithDeletedInterceptor } from './with-deleted.interceptor.js';
import { WITH_DELETED_METADATA, type WithDeletedOptions } from './with-deleted.options.js';

/**
 * Shows deleted rows to the queries of a controller's or a route's requests. On a route it takes the place of the one on its
 * controller.
 *
 * ```ts
 * @UseGuards(AdminGuard)
 * @WithDeleted({ query: 'withDeleted' }) // GET /users?withDeleted=true
 * @Get()
 * list() { … }
 * ```
 *
 * The scope opens after guards have passed and ends with the handler's answer; a `StreamableFile` is read under it too.
 * Deletions and updates see active rows only, as everywhere.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @throws BadRequestException to the client, if `query` names a parameter that is neither `true` nor `false`
 * @publicApi
 */
export function WithDeleted(options: WithDeletedOptions = {}): MethodDecorator & ClassDecorator {
  refuseUnknownOptions('@WithDeleted()', options, ['query', 'contextName']);
  requireType('@WithDeleted(), query', options.query, 'string');
  requireType('@WithDeleted(), contextName', options.contextName, 'string');
  return applyDecorators(SetMetadata(WITH_DELETED_METADATA, options), UseInterceptors(WithDeletedInterceptor));
}
