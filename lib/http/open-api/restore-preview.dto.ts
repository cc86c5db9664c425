import type { RestorePreview } from '../../deletion/restoration/restore-rows.js';
import { AFFECTED, type ModelProperties, TOTAL } from './model-properties.js';
import { RestoreConflictDto } from './restore-conflict.dto.js';

/**
 * What `restore()` returns with `dryRun: true`, as a class that OpenAPI knows.
 *
 * @publicApi
 */
export class RestorePreviewDto implements RestorePreview {
  readonly affected!: Readonly<Record<string, number>>;
  readonly total!: number;
  readonly conflicts!: readonly RestoreConflictDto[];

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<RestorePreview> {
    return {
      affected: {
        ...AFFECTED,
        description: 'How many rows would come back, per entity, as if there were no conflicts.',
      },
      total: TOTAL,
      conflicts: { type: () => [RestoreConflictDto], required: true, description: 'Why it would be refused.' },
    };
  }
}
