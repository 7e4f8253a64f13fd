-- What to say beside figures that rest on a stream, where it is known that the source shows no more of the past.
select stream, history_note from marts.dim_data_coverage where history_note is not null order by stream
