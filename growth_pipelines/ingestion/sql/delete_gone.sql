-- What the shop has deleted goes here too, with all that belonged to it.
delete from raw.products
where shop_id = ? and product_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.product_variants
where shop_id = ? and product_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.collection_products
where shop_id = ? and product_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.collections
where shop_id = ? and collection_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.collection_products
where shop_id = ? and collection_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.pages
where shop_id = ? and page_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.orders
where shop_id = ? and order_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.order_lines
where shop_id = ? and order_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.order_transactions
where shop_id = ? and order_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.order_discount_codes
where shop_id = ? and order_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.refunds
where shop_id = ? and order_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.refund_lines
where shop_id = ? and order_id in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.customers
where shop_id = ? and customer_key in (select subject_id from raw.deletions where shop_id = ?)
;

delete from raw.discounts
where shop_id = ? and discount_id in (select subject_id from raw.deletions where shop_id = ?)
