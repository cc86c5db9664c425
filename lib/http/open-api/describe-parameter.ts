/** Where `@nestjs/swagger` keeps what `@ApiQuery()` and its like say about a route (`DECORATORS` in its `constants.js`). */
const PARAMETERS = 'swagger/apiParameters';

/** Where `@nestjs/swagger` keeps what `@ApiHeader()` says about all routes of a controller. */
const HEADERS = 'swagger/apiHeaders';

/** Marks a method as a route for Nest (`METHOD_METADATA` in its `constants.js`). */
const ROUTE = 'method';

/** A parameter of a route, as OpenAPI describes it. @internal */
export interface ParameterDescription {
  readonly in: 'query' | 'header';
  readonly name: string;
  readonly description: string;
  readonly schema: object;
  readonly required?: boolean;
}

/**
 * Describes an optional parameter of a route to `@nestjs/swagger`. Writes into the metadata of the method, so that the package need not
 * be installed. Leaves a description by the application alone.
 *
 * @internal
 */
export function describeParameter(route: object, description: ParameterDescription): void {
  const known = parametersOf(route);
  if (isRoute(route) && !isDescribed(known, description)) {
    describeParameters(route, [...known, { required: false, ...description }]);
  }
}

/** @internal */
export function describeParameters(route: object, parameters: readonly ParameterDescription[]): void {
  Reflect.defineMetadata(PARAMETERS, parameters, route);
}

/** @internal */
export function parametersOf(route: object): readonly ParameterDescription[] {
  return (Reflect.getMetadata(PARAMETERS, route) as readonly ParameterDescription[] | undefined) ?? [];
}

/** @internal */
export function headersOf(controller: object): readonly ParameterDescription[] {
  return (Reflect.getMetadata(HEADERS, controller) as readonly ParameterDescription[] | undefined) ?? [];
}

/** @internal */
export function isDescribed(known: readonly ParameterDescription[], parameter: ParameterDescription): boolean {
  return known.some(({ in: place, name }) => place === parameter.in && name === parameter.name);
}

/** @internal */
export function isRoute(candidate: unknown): candidate is Function {
  return typeof candidate === 'function' && Reflect.hasMetadata(ROUTE, candidate);
}
