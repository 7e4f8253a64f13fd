-- Rows of either table that the other has not, each as often as it is there more often.
select
    (
        select count(*)
        from
            (
                select *
                from {one}
                except all
                select *
                from {other}
            ) as lost
    ) + (
        select count(*)
        from
            (
                select *
                from {other}
                except all
                select *
                from {one}
            ) as gained
    )
