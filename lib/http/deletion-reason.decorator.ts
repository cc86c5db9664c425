import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { DELETION_REASON_METADATA, DeletionReasonInterceptor } from './deletion-reason.interceptor.js';

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
 * Takes the reason of what a request to a controller or route deletes and restores from one of its headers: of `em.remove()` as of
 * `softDelete()` without a reason of its own. A request without the header has none, which `log: { reason: 'required' }` refuses.
 *
 * ```ts
 * @DeletionReason({ header: 'x-reason' })
 * @Delete(':id')
 * remove(@Param('id') id: number) { … }
 * ```
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @publicApi
 */
export function DeletionReason(options: DeletionReasonOptions = {}): MethodDecorator & ClassDecorator {
  refuseUnknownOptions('@DeletionReason()', options, ['header']);
  requireType('@DeletionReason(), header', options.header, 'string');
  return applyDecorators(
    SetMetadata(DELETION_REASON_METADATA, options.header ?? 'x-deletion-reason'),
    UseInterceptors(DeletionReasonInterceptor),
  );
}
