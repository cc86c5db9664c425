import type { DeletionResult } from '../../deletion/soft-delete-rows.js';
import { AFFECTED, type ModelProperties, TOTAL } from './model-properties.js';

/**
 * What `softDelete()` returns, as a class that OpenAPI knows:
 *
 * ```ts
 * @ApiOkResponse({ type: DeletionResultDto })
 * @Delete(':id')
 * remove(@Param('id') id: number): Promise<DeletionResult> { … }
 * ```
 *
 * The compiler plugin of `@nestjs/swagger` would import the file of a class that it finds in a return type, which is not exported.
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
