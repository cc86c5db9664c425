import type { Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, type ModulesContainer } from '@nestjs/core';
import {
  describeParameters,
  headersOf,
  isDescribed,
  isRoute,
  type ParameterDescription,
  parametersOf,
} from './describe-parameter.js';

/** A decorator for controllers and routes that reads a parameter of the request. @internal */
export interface DescribedDecorator<Options> {
  /** The key of its options in the metadata of the class or of the method. */
  readonly metadata: string;
  /** The parameter that it reads, if it reads one. */
  readonly parameterOf: (options: Options) => ParameterDescription | undefined;
}

type Prototype = Record<string, unknown>;

/**
 * Describes the parameter of a decorator on a controller, on each route, declared or inherited, that does not carry the decorator itself.
 * Replaces what the decorator of a base class said about the route.
 *
 * Swagger finds parameters by the function of the route, which subclasses share. So a class that describes an inherited route differently
 * gets a function of its own.
 *
 * @internal
 */
export function describeRoutes<Options>(controller: Type, decorator: DescribedDecorator<Options>): void {
  const options = Reflect.getMetadata(decorator.metadata, controller) as Options | undefined;
  if (options === undefined) {
    return;
  }
  const parameter = decorator.parameterOf(options);
  const description = parameter && !isDescribed(headersOf(controller), parameter) ? parameter : undefined;
  const prototype = controller.prototype as Prototype;
  for (const name of new MetadataScanner().getAllMethodNames(prototype)) {
    const route = prototype[name];
    if (isRoute(route) && !Reflect.hasMetadata(decorator.metadata, route)) {
      describe(prototype, name, `${decorator.metadata}/described`, description);
    }
  }
}

/**
 * Describes the routes of every controller of the application, before Nest reads them. A class that inherits the decorator runs none that
 * could do it.
 *
 * @internal
 */
export function describeAllRoutes<Options>(modules: ModulesContainer, decorator: DescribedDecorator<Options>): void {
  for (const { metatype } of new DiscoveryService(modules).getControllers()) {
    if (metatype) {
      describeRoutes(metatype as Type, decorator);
    }
  }
}

/** @param mark - the key of the name of the parameter that a class has described */
function describe(prototype: Prototype, name: string, mark: string, description?: ParameterDescription): void {
  const inherited = prototype[name] as Function;
  const said = Reflect.getMetadata(mark, inherited) as ParameterDescription | undefined;
  if (said?.name === description?.name) {
    return;
  }
  const known = parametersOf(inherited).filter((parameter) => parameter !== said);
  const added = description && !isDescribed(known, description) ? { required: false, ...description } : undefined;
  const route = ownRoute(prototype, name);
  describeParameters(route, added ? [...known, added] : known);
  Reflect.defineMetadata(mark, added ?? { name: description?.name }, route);
}

/** The method of a class, or a new one that calls the inherited one and inherits its metadata. */
function ownRoute(prototype: Prototype, name: string): Function {
  const found = prototype[name] as Function;
  if (Object.hasOwn(prototype, name)) {
    return found;
  }
  const base = Object.getPrototypeOf(prototype) as Record<string, Function>;
  const own = {
    [name](this: unknown, ...args: unknown[]): unknown {
      return base[name]!.apply(this, args);
    },
  }[name]!;
  Object.setPrototypeOf(own, found);
  Object.defineProperty(prototype, name, { value: own, writable: true, configurable: true });
  return own;
}
