import type { RestoreResult } from '../../deletion/restoration/restore-rows.js';
import { AFFECTED, type ModelProperties, TOTAL } from './model-properties.js';

/**
 * What `restore()` returns, as a class that OpenAPI knows.
 *
 * @publicApi
 */
export class RestoreResultDto implements RestoreResult {
  readonly affected!: Readonly<Record<string, number>>;
  readonly total!: number;

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<RestoreResult> {
    return { affected: { ...AFFECTED, description: 'How many rows came back, per entity.' }, total: TOTAL };
  }
}
