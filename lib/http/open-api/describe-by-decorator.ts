import type { Type } from '@nestjs/common';
import { describeParameter } from './describe-parameter.js';
import { type DescribedDecorator, describeRoutes } from './describe-routes.js';

/**
 * The part of a decorator that describes its parameter to OpenAPI: for a route, or on a controller for all of its routes. Waits until all
 * decorators of the class have run, because those of the application win, whether they are written above or below.
 *
 * @internal
 */
export function describeByDecorator<Options>(
  decorator: DescribedDecorator<Options>,
  options: Options,
): MethodDecorator & ClassDecorator {
  return (target: object, _key?: unknown, descriptor?: PropertyDescriptor) => {
    const description = decorator.parameterOf(options);
    queueMicrotask(() => {
      if (!descriptor) {
        describeRoutes(target as Type, decorator);
      } else if (description) {
        describeParameter(descriptor.value as object, description);
      }
    });
  };
}
