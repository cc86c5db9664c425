import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import type { ModelProperties } from './model-properties.js';

/** A value of any type, or the values of a composite key. Swagger asks for a `type` and drops it for `oneOf`. */
const KEY = { type: () => Object, oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'array', items: {} }] };

/**
 * One entry of `RestoreConflictError.conflicts`, as a class that OpenAPI knows.
 *
 * @publicApi
 */
export class RestoreConflictDto implements RestoreConflict {
  readonly reason!: RestoreConflict['reason'];
  readonly entity!: string;
  readonly key!: unknown;
  readonly constraint?: string;
  readonly properties?: readonly string[];
  readonly conflictingKey?: unknown;
  readonly conflictingWith?: 'active' | 'restored';
  readonly column?: string;

  /** @internal */
  static _OPENAPI_METADATA_FACTORY(): ModelProperties<RestoreConflict> {
    return {
      reason: {
        type: () => String,
        required: true,
        enum: ['unique', 'key', 'parent-deleted', 'parent-missing', 'schema'],
        description:
          '`unique`: another row has the value. `parent-deleted`: the row that owns this one is deleted. Of archived rows: ' +
          '`key`, another row has the primary key; `parent-missing`, a row that this one points at is gone for good; ' +
          '`schema`, the table has changed.',
      },
      entity: {
        type: () => String,
        required: true,
        description: 'The entity of the row that was to be restored.',
        example: 'User',
      },
      key: { ...KEY, required: false, description: 'Its primary key, where it is known.', example: 1 },
      constraint: {
        type: () => String,
        required: false,
        description: 'The unique constraint, or the relation to the deleted parent.',
        example: 'user_email_unique',
      },
      properties: {
        type: () => [String],
        required: false,
        description: 'The properties whose values are taken.',
        example: ['email'],
      },
      conflictingKey: {
        ...KEY,
        required: false,
        description: 'The primary key of the row that has the value, or of the deleted parent.',
        example: 2,
      },
      conflictingWith: {
        type: () => String,
        required: false,
        enum: ['active', 'restored'],
        description: 'Whether that row is active, or would be restored together with this one.',
      },
      column: {
        type: () => String,
        required: false,
        description: 'Of `schema`: the column that has changed; `*` where the table is gone.',
      },
    };
  }
}
