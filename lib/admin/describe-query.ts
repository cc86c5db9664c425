/** What `@nestjs/swagger` reads the parameters of a route from, as `@ApiQuery()` writes it. */
const PARAMETERS = 'swagger/apiParameters';

/**
 * Describes optional query parameters to OpenAPI, whether `@nestjs/swagger` is there or not: nothing else reads what this writes.
 *
 * @internal
 */
export function DescribeQuery(descriptions: Readonly<Record<string, string>>): MethodDecorator {
  return (_target, _name, { value }) => {
    const parameters = Object.entries(descriptions).map(([name, description]) => ({
      name,
      in: 'query',
      required: false,
      description,
      schema: { type: 'string' },
    }));
    Reflect.defineMetadata(PARAMETERS, parameters, value as object);
  };
}
