import type { DeletionRestriction } from '../../errors/deletion-restriction.js';
import type { ModelProperties } from './model-properties.js';

/**
 * One entry of `DeletionRestrictedError.restrictions`, as a class that OpenAPI knows.
 *
 * @publicApi
 */
export class DeletionRestrictionDto implements DeletionRestriction {
  readonly relation!: string;
  readonly entity!: string;
  readonly count!: number;

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<DeletionRestriction> {
    return {
      relation: {
        type: () => String,
        required: true,
        description: 'The relation that refuses, as `Entity.property`.',
        example: 'User.invoices',
      },
      entity: {
        type: () => String,
        required: true,
        description: 'The entity at the other end of the relation.',
        example: 'Invoice',
      },
      count: {
        type: 'integer',
        required: true,
        description: 'How many of its rows prevent the deletion.',
        example: 2,
      },
    };
  }
}
