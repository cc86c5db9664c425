import { DeletionRestrictionDto } from './deletion-restriction.dto.js';
import type { ModelProperties } from './model-properties.js';
import { RestoreConflictDto } from './restore-conflict.dto.js';

/**
 * What `SoftDeleteExceptionFilter` answers with, as a class that OpenAPI knows:
 *
 * ```ts
 * @ApiConflictResponse({ type: SoftDeleteProblemDto })
 * ```
 *
 * @publicApi
 */
export class SoftDeleteProblemDto {
  readonly title!: string;
  readonly status!: number;
  readonly code!: string;
  readonly detail!: string;
  readonly conflicts?: readonly RestoreConflictDto[];
  readonly restrictions?: readonly DeletionRestrictionDto[];

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<SoftDeleteProblemDto> {
    return {
      title: { type: () => String, required: true, description: 'The status in words.', example: 'Conflict' },
      status: { type: 'integer', required: true, description: 'The status.', example: 409 },
      code: {
        type: () => String,
        required: true,
        enum: ['RESTORE_CONFLICT', 'DELETION_RESTRICTED', 'LEGAL_HOLD', 'REASON_REQUIRED', 'NOT_FOUND'],
        description: 'What kind of problem it is.',
      },
      detail: { type: () => String, required: true, description: 'What happened and what to do about it.' },
      conflicts: {
        type: () => [RestoreConflictDto],
        required: false,
        description: 'Of `RESTORE_CONFLICT`: why each row cannot come back.',
      },
      restrictions: {
        type: () => [DeletionRestrictionDto],
        required: false,
        description: 'Of `DELETION_RESTRICTED`: which rows prevent the deletion.',
      },
    };
  }
}
