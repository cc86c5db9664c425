import type { DeletionResult } from '../../deletion/soft-delete-rows.js';
import { AFFECTED, type ModelProperties, TOTAL } from './model-properties.js';

/**
 * What `softDelete()` returns, as a class that OpenAPI knows: `@ApiOkResponse({ type: DeletionResultDto })`, or the return type of a route.
 *
 * @publicApi
 */
export class DeletionResultDto implements DeletionResult {
  readonly deletedAt!: Date;
  readonly affected!: Readonly<Record<string, number>>;
  readonly total!: number;

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<DeletionResult> {
    return {
      deletedAt: {
        type: () => Date,
        required: true,
        description: 'The time of deletion, which all rows of this deletion share.',
      },
      affected: { ...AFFECTED, description: 'How many rows were deleted, per entity.' },
      total: TOTAL,
    };
  }
}
