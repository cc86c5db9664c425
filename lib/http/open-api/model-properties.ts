/** A property, as `@ApiProperty()` describes it. */
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
 * What `_OPENAPI_METADATA_FACTORY()` of a class returns: the method that the compiler plugin of `@nestjs/swagger` writes and that
 * `ModelPropertiesAccessor.applyMetadataFactory()` calls. With it, `@nestjs/swagger` need not be installed.
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
