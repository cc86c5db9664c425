import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import {
  DELETION_REASON_DESCRIPTION,
  DELETION_REASON_METADATA,
  DeletionReasonInterceptor,
} from './deletion-reason.interceptor.js';
import { describeByDecorator } from './open-api/describe-by-decorator.js';

/**
 * @publicApi
 */
export interface DeletionReasonOptions {
  /**
   * The header in which a request says why.
   *
   * @default 'x-deletion-reason'
   */
  header?: string;
}

/**
 * Takes the reason for what a request deletes and restores from one of its headers, for `em.remove()` and for `softDelete()` without its
 * own reason. A request without the header has none, which `log: { reason: 'required' }` refuses.
 *
 * ```ts
 * @DeletionReason({ header: 'x-reason' })
 * @Delete(':id')
 * remove(@Param('id') id: number) { … }
 * ```
 *
 * It describes the header to `@nestjs/swagger`; your own `@ApiHeader()` of the same name wins.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @publicApi
 */
export function DeletionReason(options: DeletionReasonOptions = {}): MethodDecorator & ClassDecorator {
  refuseUnknownOptions('@DeletionReason()', options, ['header']);
  requireType('@DeletionReason(), header', options.header, 'string');
  const header = options.header ?? 'x-deletion-reason';
  return applyDecorators(
    SetMetadata(DELETION_REASON_METADATA, header),
    UseInterceptors(DeletionReasonInterceptor),
    describeByDecorator(DELETION_REASON_DESCRIPTION, header),
  );
}
