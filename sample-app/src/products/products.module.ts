import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Product } from '../entities/product.entity.js';
import { ProductsController } from './products.controller.js';

@Module({
  imports: [SoftDeleteModule.forFeature([Product])],
  controllers: [ProductsController],
})
export class ProductsModule {}
