/** A property in the words of `@ApiProperty()`. */
interface ModelProperty {
  readonly type?: 'integer' | 'object' | (() => unknown);
  readonly required: boolean;
  readonly description: string;
  readonly enum?: readonly string[];
  readonly oneOf?: readonly object[];
  readonly additionalProperties?: object;
  readonly example?: unknown;
}

/**
 * What `_OPENAPI_METADATA_FACTORY()` of a class returns. `@nestjs/swagger` calls this method, as its compiler plugin writes it (see
 * `ModelPropertiesAccessor.applyMetadataFactory()`), so that nothing of it need be imported or installed.
 *
 * @internal
 */
export type ModelProperties<Model> = { readonly [Property in keyof Required<Model>]: ModelProperty };

/** @internal */
export const AFFECTED = {
  type: 'object',
  additionalProperties: { type: 'integer' },
  required: true,
  example: { User: 1, Post: 12 },
} as const;

/** @internal */
export const TOTAL = { type: 'integer', required: true, description: 'How many rows in all.', example: 13 } as const;
