/** Where `@nestjs/swagger` keeps what `@ApiQuery()` and its like say about a route (`DECORATORS` in its `constants.js`). */
const PARAMETERS = 'swagger/apiParameters';

/** By which Nest knows a route (`METHOD_METADATA` in its `constants.js`). */
const ROUTE = 'method';

/** A query parameter in the words of OpenAPI. @internal */
export interface QueryDescription {
  readonly name: string;
  readonly description: string;
  readonly schema: object;
}

interface Parameter {
  readonly name?: string;
  readonly in?: string;
}

/**
 * Describes a query parameter of a route to `@nestjs/swagger`, if the application has that. It reads the metadata of the method, so
 * nothing of it is imported.
 *
 * Waits until all decorators of the class have run: a description of the application's, written above or below, takes the place of
 * this one, and Swagger keeps the first one of a name.
 *
 * @param isMeant - asked at that time
 * @internal
 */
export function describeQuery(route: object, description: QueryDescription, isMeant = (): boolean => true): void {
  queueMicrotask(() => {
    const known = (Reflect.getMetadata(PARAMETERS, route) as readonly Parameter[] | undefined) ?? [];
    const isDescribed = known.some((parameter) => parameter.in === 'query' && parameter.name === description.name);
    if (Reflect.hasMetadata(ROUTE, route) && !isDescribed && isMeant()) {
      Reflect.defineMetadata(PARAMETERS, [...known, { in: 'query', required: false, ...description }], route);
    }
  });
}
