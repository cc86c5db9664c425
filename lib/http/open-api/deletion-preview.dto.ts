import type { DeletionPreview } from '../../deletion/soft-delete-rows.js';
import { DeletionRestrictionDto } from './deletion-restriction.dto.js';
import { AFFECTED, type ModelProperties, TOTAL } from './model-properties.js';

/**
 * What `softDelete()` and `hardDelete()` return with `dryRun: true`, as a class that OpenAPI knows.
 *
 * @publicApi
 */
export class DeletionPreviewDto implements DeletionPreview {
  readonly affected!: Readonly<Record<string, number>>;
  readonly total!: number;
  readonly restrictions!: readonly DeletionRestrictionDto[];

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<DeletionPreview> {
    return {
      affected: { ...AFFECTED, description: 'How many rows would be deleted, per entity, as if nothing refused it.' },
      total: TOTAL,
      restrictions: {
        type: () => [DeletionRestrictionDto],
        required: true,
        description: 'What the deletion would be refused for.',
      },
    };
  }
}
